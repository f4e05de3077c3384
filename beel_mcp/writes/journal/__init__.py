"""What is kept on disk: operations, plans, personal data, live workers."""
