"""Where runs are kept: the backend stores that a workspace class can name."""

from typing import Annotated, Literal

from pydantic import Field

from mooring_operator.api.base import (
    ApiModel,
    CaBundle,
    OneOf,
    OneStore,
    OwnSecretRef,
    SecretRef,
    fixed,
    matches,
    rule,
    rules,
)
from mooring_operator.api.external import ExternalDatabase


class PostgresqlStore(ApiModel):
    """A PostgreSQL server on which each workspace gets a database and roles of its own."""

    model_config = ApiModel.model_config | {
        "json_schema_extra": rules(
            rule(
                "has(self.caBundle) == self.sslMode.startsWith('verify')",
                "caBundle goes with sslMode verify-ca or verify-full, and they with it: name the "
                "authorities that vouch for the server, and how strictly they are asked",
                fieldPath=".sslMode",
            )
        )
    }

    host: Annotated[
        str,
        Field(
            max_length=253,
            description="Host name or address.",
            json_schema_extra=rules(
                matches(
                    r"^[A-Za-z0-9_]([-A-Za-z0-9_.]*[A-Za-z0-9_])?$",
                    "host is a name or an address alone: no scheme, no login, and the port has a "
                    "field of its own",
                ),
                fixed("the runs"),
            ),
        ),
    ]
    port: Annotated[int, Field(ge=1, le=65535, description="Port.")] = 5432
    ssl_mode: Annotated[
        Literal["disable", "prefer", "require", "verify-ca", "verify-full"],
        Field(
            description="TLS mode, as libpq's sslmode. verify-full checks the server's certificate "
            "and its name, verify-ca the certificate alone; prefer and require check neither."
        ),
    ] = "prefer"
    ca_bundle: Annotated[
        CaBundle | None,
        Field(
            description="The authorities to trust, with sslMode verify-ca or verify-full; the "
            "pods that reach the database get them too."
        ),
    ] = None
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


class SqliteStore(ApiModel):
    """A SQLite file for each workspace, beside the artifacts on its volume."""


class ExistingDatabase(ApiModel):
    """A PostgreSQL database that the team has."""

    secret_ref: Annotated[
        OwnSecretRef,
        Field(
            description="Secret with the key uri: postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
            "perhaps with ?sslmode=require; USER owns the database, or may make tables in its "
            "schema public. With sslmode=verify-ca or verify-full it must also have ca.crt "
            "(authorities, as PEM)."
        ),
    ]


class OwnBackendStore(OneOf[ExistingDatabase]):
    """The backend store that a workspace uses instead of its class's."""

    existing: Annotated[
        ExistingDatabase | None, Field(description="A database and a login that the team has.")
    ] = None


Store = PostgresqlStore | SqliteStore | ExistingDatabase | ExternalDatabase


class BackendStore(OneStore[Store]):
    """Where runs, parameters and metrics are kept: exactly one store."""

    postgresql: Annotated[PostgresqlStore | None, Field(description="A PostgreSQL server.")] = None
    sqlite: Annotated[
        SqliteStore | None,
        Field(description="A SQLite file on the volume; goes with artifactStore.volume only."),
    ] = None


class EffectiveBackendStore(BackendStore):
    """The store of one workspace: its class's, its own, or its external server's."""

    existing: ExistingDatabase | None = None
    external: ExternalDatabase | None = None
