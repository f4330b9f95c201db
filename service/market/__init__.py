"""The market room: contacts, screens of lenders, and the products they publish."""
