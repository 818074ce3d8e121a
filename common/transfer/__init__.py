"""The transfer of an edit to a photo at its own resolution, and edits put back into photographs.

Gupta, Kansal & Bansal (report, Delhi Technological University, 2016), [R], Sec. 4.2.1, after Zhu,
Krähenbühl, Shechtman & Efros (ECCV 2016): what happens along a path of generated images, motion and
change of colours, is done to the photo itself. Any editor has such paths.
"""
