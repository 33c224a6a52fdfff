"""How far each library's map is from ours at matched settings, and what shows why where it is."""
