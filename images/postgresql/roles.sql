\set admin_password `cat "$ADMIN_PASSWORD_FILE"`
\set airflow_password `cat "$AIRFLOW_PASSWORD_FILE"`

ALTER ROLE CURRENT_USER PASSWORD :'admin_password';
SELECT 'CREATE ROLE airflow LOGIN'
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'airflow') \gexec
ALTER ROLE airflow PASSWORD :'airflow_password';
SELECT 'CREATE DATABASE airflow OWNER airflow'
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'airflow') \gexec
