"""The desk: where staff see who needs a person, and answer. One module for each thing one does there."""
