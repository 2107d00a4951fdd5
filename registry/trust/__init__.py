"""Trust in what is stored: keys that people trust, signatures made with them, and what accompanies an image.

Knows neither the database nor the network: whoever calls fetches the bytes and keeps the answers.
"""
