"""Secrets of the simulated service itself: TLS authority, signing keys of the login service, cursor key."""

import base64
import os
import ssl
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.cloud.wire import Json


@dataclass(slots=True)
class SigningKey:
    """One RS256 key pair and its id."""

    kid: str
    private: rsa.RSAPrivateKey

    def jwk(self, issuer: str) -> Json:
        """The public half as a member of the key set, bound to `issuer`."""
        numbers = self.private.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "x5t": self.kid,
            "n": _number(numbers.n),
            "e": _number(numbers.e),
            "issuer": issuer,
        }


def _number(value: int) -> str:
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class Keys:
    """Signing keys, newest first; older ones stay published until dropped."""

    signing: list[SigningKey] = field(default_factory=list)
    cursor: bytes = b""

    def sign(self, claims: Json) -> str:
        """An RS256 token by the newest key."""
        key = self.signing[0]
        return jwt.encode(claims, key.private, algorithm="RS256", headers={"kid": key.kid})

    def verify(self, token: str) -> Json:
        """The claims of a token of ours; jwt.InvalidTokenError otherwise. Audience is the caller's business."""
        kid = jwt.get_unverified_header(token).get("kid")
        for key in self.signing:
            if key.kid == kid:
                options: Any = {"verify_aud": False}
                claims: Json = jwt.decode(token, key.private.public_key(), algorithms=["RS256"], options=options)
                return claims
        raise jwt.InvalidTokenError("unknown key")

    def rotate(self, *, drop_old: bool = False) -> str:
        """Sign with a new key from now on. Returns its id."""
        self.signing.insert(0, _new_key())
        if drop_old:
            del self.signing[1:]
        return self.signing[0].kid


def _new_key() -> SigningKey:
    return SigningKey(uuid.uuid4().hex, rsa.generate_private_key(public_exponent=65537, key_size=2048))


def load_keys(state: Path | None) -> Keys:
    """Keys kept in `state`, or new ones (kept there when a directory is given)."""
    if state is None:
        return Keys([_new_key()], os.urandom(32))
    file = state / "signing.pem"
    if not file.exists():
        key = _new_key()
        pem = key.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _write_secret(file, pem)
        _write_secret(state / "signing.kid", key.kid.encode())
        _write_secret(state / "cursor.key", os.urandom(32))
    private = serialization.load_pem_private_key(file.read_bytes(), None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError(f"{file} is not an RSA key")
    return Keys([SigningKey((state / "signing.kid").read_text(), private)], (state / "cursor.key").read_bytes())


def _write_secret(file: Path, content: bytes) -> None:
    file.touch(mode=0o600)
    file.write_bytes(content)


def load_authority(state: Path | None) -> trustme.CA:
    """The certificate authority kept in `state`, or a new one."""
    if state is None:
        return trustme.CA(organization_name="Simulated Microsoft cloud")
    certificate, key = state / "ca.pem", state / "ca.key"
    if not certificate.exists():
        authority = trustme.CA(organization_name="Simulated Microsoft cloud")
        _write_secret(certificate, authority.cert_pem.bytes())
        _write_secret(key, authority.private_key_pem.bytes())
    return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())


def server_tls(authority: trustme.CA, hosts: list[str]) -> ssl.SSLContext:
    """A TLS 1.2+ server context with a certificate for `hosts`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert(*hosts).configure_cert(context)
    return context
