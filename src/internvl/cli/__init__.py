"""The command line: one file a verb, each of which parses, calls the library, and prints.

Verbs import the library inside their functions: `internvl --help` answers at once, and torch comes only with work to do.
"""
