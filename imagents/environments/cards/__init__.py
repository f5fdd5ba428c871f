"""Poker small enough to be solved: hidden cards, chance, and what a best response would win."""
