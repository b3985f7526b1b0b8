"""What is lost, and who is told of it: faults x ways in, on real pods, beside pods without Mooring.

`make faults` brings each fault about, looks from outside at what lies in database and store, and
writes docs/reliability.json, of which docs/reliability.md is made.
"""
