"""`make deploy-rehearsal`: from an empty account to the first code and back out again, on a stand-in for AWS that enforces policies.

    __main__  the command line, and the order of the steps
    account   the account, its user who deploys, the database and the store's panel around it
    zappa     the real `zappa`, and the functions as the user may call them
    steps     what is done and what is shown by it

The commands are those of docs/deploy.md. What only a real account can show stands there as well.
"""
