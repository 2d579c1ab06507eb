"""Figures for papers, as PDF, SVG and PNG, drawn by matplotlib where that is installed.

What is drawn is plain data (`plot.Plot`), made by those who own the numbers; nothing is computed here.
"""
