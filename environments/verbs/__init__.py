"""The methods of a workspace, by their purpose."""
