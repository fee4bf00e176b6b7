"""Who may do what: the permissions of the functions, the roles made of them, the policy for people."""
