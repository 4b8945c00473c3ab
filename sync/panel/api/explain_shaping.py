"""Explanations as the API tells them: the same facts as shapes, with the sentences admins read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sync.core.connection import Connection
from sync.core.decide import pinned
from sync.core.decision import Decision
from sync.core.model import AccountState, Action, Hand, PersonRecord, Presence, Reason
from sync.core.person import address_of, name_of
from sync.core.scope import Rule
from sync.panel import words
from sync.panel.api import explain_schemas as shapes
from sync.panel.api import history_shaping, shaping
from sync.usecases.explain import Answer, Judged, MailDecision, Named, Why
from sync.usecases.explain_group import Use, WhyGroup

_RULES: Mapping[Rule, str] = {
    Rule.EVERYONE: "everyone is chosen",
    Rule.PERSON: "chosen by name",
    Rule.GROUP: "a member of {path}",
    Rule.NOT_CHOSEN: "neither the person nor any of their groups is chosen",
    Rule.EXCLUDED_PERSON: "excluded by name",
    Rule.EXCLUDED_GROUP: "excluded as a member of {path}",
    Rule.LATELY_EXCLUDED: "taken out of {path} with so many others that a full pass is to confirm it",
    Rule.NOT_A_PERSON: "an admin answered that this is not a person",
    Rule.GUEST: "guests are not in scope",
    Rule.DOMAIN: "addresses of {detail} are not in scope",
    Rule.FILTER: "the condition on {detail} does not hold",
    Rule.UNREAD: "{detail} has not been read of anybody yet",
}
_MAILS: Mapping[MailDecision, str] = {
    "claimed": "The onboarding mail was claimed; nobody gets a second one.",
    "baseline": "No mail: the person was there before the start, or had an account already.",
    "will_be_mailed": "The onboarding mail follows with the account.",
    "had_account": "No mail: the person gets an account that is there already.",
    "switched_off": "No mail: mailing people who join is switched off.",
    "no_account": "No mail: there is no new account to tell of.",
}
_MATCHES: Mapping[str, str] = {
    "": "The account was made for this person, and is linked by the object id.",
    "address": "The account was there before, with the same address.",
    "alias": "The account was there before, with one of the person’s other addresses.",
    "employee_id": "The account was there before, with the same employee id.",
    "rehired": "The account is the one this person had under an earlier object id.",
}
_ACTIONS: Mapping[Action, str] = {
    Action.CREATE: "An account would be created.",
    Action.LINK: "An account that is there already would be linked.",
    Action.UPDATE: "The account would be updated.",
    Action.DEACTIVATE: "The account would be deactivated, unless the guard holds it.",
    Action.REACTIVATE: "The account would be reactivated.",
    Action.MOVE: "Only groups or the audience would change.",
}
_HANDS: Mapping[Hand, str] = {
    Hand.BLOCKED: "An admin blocked the account; it stays so whatever Entra says.",
    Hand.KEPT: "An admin keeps the account active whatever Entra says.",
    Hand.NONE: "",
}


def person(why: Why, connection: Connection) -> shapes.WhyPerson:
    """A person explained."""
    record, told = why.stored or PersonRecord(why.told.object_id), why.told
    return shapes.WhyPerson(
        object_id=told.object_id,
        name=name_of(told.source),
        in_entra=_in_entra(why.answer, why.unanswered, "person", why.stored.presence if why.stored else None),
        presence=why.stored.presence if why.stored else None,
        as_of=why.as_of or None,
        account=shaping.account(record),
        scope=_judgement(why.scope, "In scope", "Not in scope"),
        eligibility=_eligibility(why.eligibility),
        match=None if record.account_state is AccountState.NONE else _match(record),
        conflict=_conflict(why),
        fields=_fields(record, why.then.after, {rule.target: rule.value for rule in connection.settings.mapping}),
        mail=_mail(why, connection),
        receives_simulations=record.audience,
        audience=_judgement(why.audience, "In the audience", "Not in the audience"),
        hold=_hold(why),
        by_hand=_by_hand(record),
        now=_outlook(why.now),
        after_sync=_outlook(why.then),
        groups=_steps(why.groups),
        happened=[history_shaping.happening(one) for one in why.happened],
    )


def group(why: WhyGroup) -> shapes.WhyGroupShape:
    """A group explained."""
    return shapes.WhyGroupShape(
        object_id=why.group.object_id,
        name=why.group.name,
        in_entra=_in_entra(why.answer, why.unanswered, "group", why.group.presence if why.stored else None),
        presence=why.group.presence if why.stored else None,
        as_of=why.as_of or None,
        members=why.group.members,
        effective_members=why.effective,
        effective_exact=why.exact,
        groups_below=why.below,
        parents=_steps(why.parents),
        children=_steps(why.children),
        scope=[_use(one, "the scope") for one in why.scope],
        audience=[_use(one, "the audience") for one in why.audience],
    )


def _in_entra(answer: Answer, unanswered: str, kind: str, presence: Presence | None) -> shapes.InEntra:
    sentence = {
        Answer.FOUND: f"Entra has this {kind} now.",
        Answer.NOT_FOUND: f"Entra does not have this {kind} now.",
        Answer.NOT_ASKED: f"Entra was not asked; this goes by what is stored. {unanswered}",
    }[answer]
    if answer is Answer.NOT_FOUND and presence is Presence.SOFT_DELETED:
        sentence += " By the feed it is in the recycle bin, from where it may be restored."
    return shapes.InEntra(answer=answer, sentence=sentence)


def _steps(groups: Sequence[Named]) -> list[shapes.GroupStep]:
    return [shapes.GroupStep(object_id=one.object_id, name=one.name) for one in groups]


def _via(path: Sequence[Named]) -> str:
    if not path:
        return "a group"
    return path[0].name + (f", via {' > '.join(one.name for one in path)}" if len(path) > 1 else "")


def _judgement(judged: Judged, inside: str, outside: str) -> shapes.Judgement:
    verdict, path = judged
    rule = _RULES[verdict.rule].format(path=_via(path), detail=verdict.detail)
    return shapes.Judgement(
        inside=verdict.inside,
        rule=verdict.rule,
        detail=verdict.detail or None,
        path=_steps(path),
        sentence=f"{inside if verdict.inside else outside}: {rule}.",
    )


def _explained(reason: Reason) -> str:
    return words.EXPLANATIONS.get(reason, reason.value)


def _eligibility(reason: Reason) -> shapes.Eligibility:
    sentence = "This person should have an active account." if reason is Reason.OK else _explained(reason)
    return shapes.Eligibility(reason=reason, sentence=sentence)


def _outlook(decision: Decision) -> shapes.Outlook:
    sentence = _ACTIONS.get(decision.action) or "Nothing would change."
    if decision.reason is not Reason.OK:
        sentence = f"{sentence} {_explained(decision.reason)}"
    return shapes.Outlook(action=decision.action, reason=decision.reason, sentence=sentence)


def _match(record: PersonRecord) -> shapes.MatchStanding:
    return shapes.MatchStanding(by=record.matched_by, sentence=_MATCHES[record.matched_by])


def _conflict(why: Why) -> shapes.ConflictStanding | None:
    if why.rival is None:
        return None
    address, (holder, name) = address_of(why.told.source), why.rival
    sentence = f"{address} belongs to {name or 'an account of this workspace'}. Change the address of one of the two."
    return shapes.ConflictStanding(address=address, holder=holder, name=name, sentence=sentence)


def _fields(record: PersonRecord, after: PersonRecord, rules: Mapping[str, str]) -> list[shapes.FieldStanding]:
    return [
        shapes.FieldStanding(
            name=name,
            stored=record.fields.get(name),
            after_sync=after.fields.get(name),
            rule=rules.get(name),
            by_hand=name in record.own,
        )
        for name in sorted({*record.fields, *after.fields, *record.own})
    ]


def _mail(why: Why, connection: Connection) -> shapes.MailStanding:
    state = why.mail.state if why.mail else None
    sentence = _MAILS[why.mail_decision]
    if state is not None:
        sentence = f"{sentence} {words.MAIL_STATES[state]}."
    if why.mail_decision == "will_be_mailed" and not connection.first_pass_done:
        sentence = "The onboarding mail follows once synchronising has started."
    return shapes.MailStanding(decision=why.mail_decision, state=state, sentence=sentence)


def _hold(why: Why) -> shapes.HoldStanding | None:
    hold = why.hold
    if hold is None:
        return None
    return shapes.HoldStanding(
        id=hold.id, state=hold.state, cause=hold.cause, created_at=hold.created_at, expires_at=hold.expires_at
    )


def _by_hand(record: PersonRecord) -> shapes.HandStanding | None:
    undone = pinned(record)
    sentences = [_HANDS[record.hand]] if record.hand is not Hand.NONE else []
    if record.own:
        sentences.append(f"Edited by hand: {', '.join(sorted(record.own))}.")
    if undone:
        sentences.append("A run was undone for this person; the account stays as it is until Entra has news.")
    if not sentences:
        return None
    return shapes.HandStanding(
        hand=record.hand, own_fields=dict(record.own), undone=undone, sentence=" ".join(sentences)
    )


def _use(use: Use, choice: str) -> shapes.GroupUse:
    what = "takes in" if use.effect == "included" else "leaves out"
    chain = f", via {' > '.join(one.name for one in use.path)}" if len(use.path) > 1 else ", named itself"
    sentence = f"{choice.capitalize()} {what} its members{chain}."
    return shapes.GroupUse(effect=use.effect, path=_steps(use.path), sentence=sentence)
