"""The grammar and the lexicon that the phrasebook is made of; nothing of it is shipped."""
