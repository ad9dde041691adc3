"""A dataset's original files, in the forms that people have them: one module per form.

`find.find` recognises the form; the arrays of all forms are alike.
"""
