"""The runtime has no part of lesson 11's names: its compiler takes profiles."""
