"""Play: against agents and between them, in a terminal, on a web page, and as recordings.

What a page needs to run elsewhere (`session`, `minds`, `cast`, `visit`, `page`, `gate`, `server`, `web`) imports
neither TensorFlow nor TF-Agents; `imagents.app.space` copies it, with the agents, into a folder of its own.
"""
