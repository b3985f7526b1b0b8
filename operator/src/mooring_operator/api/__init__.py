"""The API: pydantic models of spec and status, and the CRDs made from them."""
