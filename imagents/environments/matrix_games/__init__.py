"""Matrix games: everybody acts at once, and the joint action says what each is paid."""
