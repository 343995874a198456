"""Search for the options that train the best model of a task and stage.

Which options are varied, and in which range, stands in their own annotations
(``munmaek.models.searched``); what trials are made and which are given up early is Optuna's.
"""
