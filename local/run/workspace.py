"""Moxso's platform, as far as this machine needs one: it vouches for the workspace's admin with a signed token."""

import json
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://platform.moxso.example"
AUDIENCE = "directory-sync"
KEY_ID = "this-machine"
TOKEN_SECONDS = 240
ADMIN = {
    "sub": "admin-1",
    "name": "Robin Admin",
    "email": "robin@moxso-customer.example",
    "workspace": "ws-demo",
    "workspace_name": "Demo workspace",
    "role": "admin",
}


class Workspace:
    """Signs tokens with a key that is kept in `key_file`, made when missing."""

    def __init__(self, key_file: Path) -> None:
        if not key_file.exists():
            made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            key_file.write_bytes(
                made.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )
            key_file.chmod(0o600)
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"{key_file} does not hold an RSA key; delete it to have a new one made")
        self._key = key

    def jwks(self) -> str:
        """The public key as a JWKS document."""
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return json.dumps({"keys": [{**public, "kid": KEY_ID, "use": "sig", "alg": "RS256"}]})

    def token(self, **claims: Any) -> str:
        """A token for the demo workspace's admin, good once and for four minutes; `claims` replace its own."""
        now = int(time.time())
        content = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": str(uuid.uuid4()),
            **ADMIN,
            **claims,
        }
        return jwt.encode(content, self._key, algorithm="RS256", headers={"kid": KEY_ID})
