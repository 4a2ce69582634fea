"""Contacts: hands that touch the body and feet that stand, kept on a character of other proportions."""
