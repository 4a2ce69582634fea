"""Live web server: the control page and the show page, their WebSockets, and who may open them."""
