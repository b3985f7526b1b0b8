"""Read a table of a database with this server's own login; tell what came of it."""

import os
import sys

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

if __name__ == "__main__":
    url = make_url(os.environ["MLFLOW_BACKEND_STORE_URI"]).set(database=sys.argv[1])
    try:
        with create_engine(url).connect() as connection:
            connection.execute(text("select run_uuid from runs limit 1")).all()
            print("selected")
    except DBAPIError as error:
        print(f"refused: {error.orig}")
