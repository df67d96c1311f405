"""Networks: addresses, leases, the texts for ip and nft, and the records on disk.

Loaded only by runs that have a network other than none, host or another container's.
"""
