"""What a mixture is made of, as one HTML page.

manifest -> survey (a sample of every data set, looked at) -> statistics, duplicates -> tables, charts, samples -> report.html
"""
