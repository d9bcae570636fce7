"""Who may do what: a key in the Authorization header, or in the cookie that the page gets for one."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from visrec.server.keys import Keys

__all__ = ["ADMIN", "COOKIE", "READ", "WRITE"]

COOKIE = "visrec_key"
_BEARER = HTTPBearer(auto_error=False, description="A key made by `visrec keys SHOP add NAME --role ROLE`.")
_COOKIE = APIKeyCookie(name=COOKIE, auto_error=False)


class _Needs:
    """Lets a request through whose key has a role; where no keys were made, every request.

    A server that is reached from other machines does not start without a key.
    """

    def __init__(self, role: str) -> None:
        self._role = role

    async def __call__(
        self,
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
        cookie: Annotated[str | None, Depends(_COOKIE)],
    ) -> None:
        # On the event loop, not in a thread: it looks at one file, and a thread would cost more than that.
        keys: Keys = request.app.state.keys
        if not keys.all():
            return
        secret = bearer.credentials if bearer is not None else cookie
        key = keys.of(secret) if secret else None
        if key is None:
            wrong = "this key is not known" if secret else "none came"
            raise HTTPException(
                401, f"Expected a key as `Authorization: Bearer KEY`, {wrong}.", {"WWW-Authenticate": "Bearer"}
            )
        request.scope["visrec.key"] = key.name
        if not key.may(self._role):
            raise HTTPException(403, f"Expected a key of role {self._role}, key {key.name!r} has role {key.role}.")


READ = Depends(_Needs("read"))
WRITE = Depends(_Needs("write"))
ADMIN = Depends(_Needs("admin"))
