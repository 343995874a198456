"""Parts of networks that two or more stages share."""
