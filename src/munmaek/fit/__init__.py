"""What every task shares to be trained: data held out, networks made and begun, the loop."""
