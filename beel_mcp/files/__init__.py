"""Files on disk: folders opened safely, saved files, staged PDFs, packages, ZIPs from BeeL."""
