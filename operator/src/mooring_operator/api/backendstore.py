"""Where runs are kept: the backend stores that a workspace class can name."""

from typing import Annotated, Literal

from pydantic import Field

from mooring_operator.api.base import ApiModel, OneOf, SecretRef, rule, rules


class PostgresqlStore(ApiModel):
    """A PostgreSQL server on which each workspace gets a database and roles of its own."""

    host: Annotated[
        str,
        Field(
            min_length=1,
            max_length=253,
            description="Host name or address.",
            json_schema_extra=rules(
                rule(
                    "!self.contains('/') && !self.contains(':')",
                    "host is a name or an address alone; the port has a field of its own",
                )
            ),
        ),
    ]
    port: Annotated[int, Field(ge=1, le=65535, description="Port.")] = 5432
    ssl_mode: Annotated[
        Literal["disable", "prefer", "require", "verify-ca", "verify-full"],
        Field(description="TLS mode, as libpq's sslmode."),
    ] = "prefer"
    admin_secret: Annotated[
        SecretRef,
        Field(
            description="Secret with the keys username and password of a role with CREATEDB and "
            "CREATEROLE."
        ),
    ]
    copies: Annotated[
        int,
        Field(
            ge=1,
            le=16,
            description="How many copies of a workspace's database are kept, each made before an "
            "upgrade of its schema.",
        ),
    ] = 2


class BackendStore(OneOf):
    """Where runs, parameters and metrics are kept: exactly one store."""

    postgresql: Annotated[PostgresqlStore | None, Field(description="A PostgreSQL server.")] = None

    @property
    def chosen(self) -> PostgresqlStore:
        """The store that is set."""
        store: PostgresqlStore = self.only
        return store
