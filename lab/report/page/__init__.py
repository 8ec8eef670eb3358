"""An examination as one self-contained page: data for it (`examination.py`), the chain as a picture (`chain.py`), the markup
(`templates/`). Nothing in the page is fetched from anywhere, and no script runs in it.
"""
