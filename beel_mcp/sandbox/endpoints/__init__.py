"""What BeeL does, a module per kind of record; each public function answers one or two routes."""
