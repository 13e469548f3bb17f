"""Transactions: who is in one, where, and how does it end?"""
