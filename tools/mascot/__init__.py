"""Avatar generator: writes the mascot Tempo, a VRM 1.0 file under CC0, from code alone.

``python -m tools.mascot OUTPUT.vrm`` runs it; ``make mascot`` writes the file that the package ships. Nothing
is read from files: every shape is numbers in these modules. ``surface``, ``loft``, ``implicit`` make meshes;
``skeleton``, ``skull`` and ``expressions`` hold proportions and facial expressions; ``face_skin``,
``face_parts``, ``hair``, ``body``, ``outfit``, ``footwear`` and ``headphones`` model her; ``materials`` and
``paint`` color her; ``parts`` lists all of it; ``vrm_file`` and ``glb`` write the file.
"""
