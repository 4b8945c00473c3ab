"""A mail catcher: takes every message over SMTP, shows it on a page, delivers nothing."""

from local.mail.catcher import MailCatcher
from local.mail.smtp import Behaviour
from local.mail.store import CaughtMail, MailStore

__all__ = ["Behaviour", "CaughtMail", "MailCatcher", "MailStore"]
