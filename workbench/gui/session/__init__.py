"""The run that is shown and the run that is running: started, followed, stopped, resumed."""
