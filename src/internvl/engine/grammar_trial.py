"""A grammar tried out in a process of its own, with bounds on time and memory: it is run as a script, never imported.

    stdin: a grammar of llguidance  ->  stdout: what is wrong with it, nothing when it is good

A short schema can describe a grammar that takes minutes and gigabytes to build, and a thread can't be stopped; a process can.
"""

from __future__ import annotations

import sys

import llguidance

CPU_S = 3
MEMORY_BYTES = 768 << 20
FIRST_STEPS = 4


def main() -> None:
    """Build the grammar and take its first steps, over single bytes instead of a vocabulary."""
    _bound()
    limits = llguidance.LLParserLimits(max_lexer_states=int(sys.argv[1]), precompute_large_lexemes=False, verbose_errors=False)
    matcher = llguidance.LLMatcher(llguidance.LLTokenizer("byte"), sys.stdin.buffer.read().decode(), log_level=0, limits=limits)
    for _ in range(FIRST_STEPS):
        allowed = matcher.compute_logit_bias()
        if matcher.is_stopped() or matcher.is_error():
            break
        matcher.consume_token(next(byte for byte, flag in enumerate(allowed) if flag))
    if matcher.is_error():
        sys.stdout.write(matcher.get_error())


def _bound() -> None:
    try:
        import resource
    except ImportError:  # Windows: the caller's clock is the bound there
        return
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
    if sys.platform != "darwin":  # where address space can't be limited
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
