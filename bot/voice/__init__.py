"""A telephone call, from the greeting to the person: what is said, what the keys do, and what comes next.

A call is a stack of screens, as a page is; each screen says something and hears something. `call` is the way through them,
`document` what a screen asks the provider to do, the other modules are the screens, by noun.
"""
