"""Records on their way in: delivered, landed or in quarantine, and read back."""
