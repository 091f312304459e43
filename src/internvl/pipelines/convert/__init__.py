"""Published data sets as released records: one small file a data set in `sets/`, what several share in `forms/`.

published files, pictures --Converter--> Sample --convert--> JSONL of released records, ledger
"""

from __future__ import annotations

from internvl.pipelines.convert.converter import Converter, Inputs, Settings
from internvl.pipelines.convert.pictures import Pictures
from internvl.pipelines.convert.registry import CONVERTERS, converter_named
from internvl.pipelines.convert.run import ConvertReport, convert

__all__ = ["CONVERTERS", "ConvertReport", "Converter", "Inputs", "Pictures", "Settings", "convert", "converter_named"]
