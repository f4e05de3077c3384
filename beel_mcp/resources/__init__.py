"""Resources: what tools also tell, in full, for apps that can open documents."""
