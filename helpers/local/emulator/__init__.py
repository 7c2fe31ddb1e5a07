"""MiniStack, the AWS emulator, with the corrections that this workshop needs.

Each correction is a module with one `apply()`. Each quotes what AWS documents, and has a test.
"""
