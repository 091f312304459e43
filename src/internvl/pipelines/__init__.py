"""Building data at scale: inputs -> units of rows -> operators -> one table a unit -> chosen samples as shards.

Everything runs in this process by default, and on Ray Data when more workers or a cluster are asked for; the result is the same.
"""
