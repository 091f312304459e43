"""InternOmni: how many tokens a sound becomes.

samples at 16 kHz -> mel frames (hop 160) -> half of them after Whisper's second convolution -> half again after pooling.
"""

from __future__ import annotations

from internvl.eval.errors import EvalError

_MOST_SAMPLES = 480_000  # 30 s, what Whisper hears
_HOP = 160


def internomni_audio_tokens(samples: int) -> int:
    """The number of audio tokens of `samples` samples at 16 kHz: about 25 a second, 750 for 30 s and longer.

    Raises `EvalError` for a negative or broken number of samples. Source: InternOmni, Whisper-large-v3.
    """
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 0:
        raise EvalError(f"a sound has a whole number of samples >= 0, got {samples!r}")
    mel_frames = min(samples, _MOST_SAMPLES) // _HOP
    encoder_frames = (mel_frames - 1) // 2 + 1
    return max(0, (encoder_frames - 2) // 2 + 1)
