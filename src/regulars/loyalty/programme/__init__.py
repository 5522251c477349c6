"""The rules of the programme, and the judge of a basket. Pure: no database, no clock, no Django.

The same code answers a till, replays the history in a simulation, and runs in a till that is offline.
"""
