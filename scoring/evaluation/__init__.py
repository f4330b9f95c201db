"""Expert evaluations: a model is data (dimensions, bands, vetoes, grades); points are exact and explain themselves.

``parse.parse_models`` reads the models, ``evaluate.evaluate`` scores many firms at once, ``explain.explain`` tells one
firm's score line by line with the same functions, ``quarter`` decides what is frozen and who is reviewed by hand.
"""
