"""What may a user write in `--where`? CEL over published variables: compiled once, asked of each record or row.

`engine.compile_filter` is the door. `engine` is the one module that loads the CEL engine, an extra.
"""
