"""Review in napari: the only room that imports napari, Qt and psygnal (extra ``alkfish[napari]``).

`workspace` holds what is open in a viewer, `session` the review of one case; both are free of Qt.
Docks show them and call their steps; nothing else writes.
"""
