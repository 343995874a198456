"""Training as every task shares it: data held out, networks made and begun, the loop."""
